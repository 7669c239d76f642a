/**
 * In a bundle, `import.meta.url` is the bundle's address, or missing. Migrations, pages, the embedded database and the
 * threads and native code of bcrypt would then not be found. So fail at once, with an error that says what to do.
 */
if (!String(import.meta.url).endsWith('/unbundled.js')) {
  throw new Error(
    'Latchkey cannot be part of a bundle, because it needs the files of its package. Mark it as external (esbuild: --external:latchkey), and install it where the bundle runs.'
  )
}
