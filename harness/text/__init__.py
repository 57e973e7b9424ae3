"""Plain functions on text: words, sentences, markup, addresses. They know nothing of the house."""
