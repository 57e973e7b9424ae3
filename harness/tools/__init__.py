"""What an agent may do: typed functions, and the box that calls them."""
