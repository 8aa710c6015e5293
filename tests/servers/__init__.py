"""Real stores for the tests: programs on loopback, started when a test first asks for one and ended with the tests."""
