"""May this call be made? Judged on what it says, before anything runs."""
