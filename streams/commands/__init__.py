"""The commands of the command line, by what they are about; each parses its arguments and calls one function."""
