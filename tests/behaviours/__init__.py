"""The twelve behaviours that people expect and that peers get wrong, through the real command line and real Git."""
