# The tarballs contain what they should: docs, licence and types, but no source map without its source. The client and
# the verifier have no dependencies.
node "$ROOT/.ci/package/check-contents.js"
