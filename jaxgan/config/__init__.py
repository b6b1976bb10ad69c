"""What a configuration is: sections, changes from the command line, what a folder remembers."""
