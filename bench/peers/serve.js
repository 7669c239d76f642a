/** Tells the parent process the port of a node:http server, and ends with that process. */
export function serve(server) {
  server.listen(0, '127.0.0.1', () => process.send?.(server.address().port))
  process.on('disconnect', () => process.exit())
}

/** The `options` of a connection to PostgreSQL whose tables are in `schema`. */
export function inSchema(schema) {
  return `-c search_path=${schema}`
}
