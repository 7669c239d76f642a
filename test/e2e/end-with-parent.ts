/** Loaded before a service's own modules: it ends with its standard input, so also when the test that started it is killed. */
process.stdin.on('end', () => process.exit()).resume()
