// Which files a test must cover, for tap: the tests of the core cover the core, and nothing else counts.
export default (test) => (test.startsWith('build/test/core/') ? ['build/src/core/*.js'] : null)
