/** The import rules. lint/rooms.cjs says which room may import which. */
const rooms = require('./lint/rooms.cjs')

// A thread is started, not imported.
const entryPoints =
  '^src/(index|adapters/passwords/bcrypt-thread|cli/main|(verifier|client|client/server|testing)/(index|axios)|pages/(account/account|console/console))[.]ts$'

/** A room that imports anything of ours outside its list is refused. */
function holdRoom({ room, from, may, packages = true, why }) {
  const allowed = [from, ...may.map((path) => `^src/${path}`)]
  return {
    name: `${room}-imports`,
    comment: why,
    severity: 'error',
    from: { path: from },
    to: packages ? { path: '^src/', pathNot: allowed } : { pathNot: allowed }
  }
}

module.exports = {
  forbidden: [
    ...rooms.map(holdRoom),
    {
      name: 'every-file-has-a-room',
      comment: 'A file outside every room above would import whatever it likes.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/index[.]ts$', ...rooms.map(({ from }) => from)] },
      to: {}
    },
    {
      name: 'stores-over-sql-over-connection',
      comment: 'Inside adapters/prisma the stores use the statements, and both use the connection.',
      severity: 'error',
      from: { path: '^src/adapters/prisma/(sql/|[^/]+$)' },
      to: { path: '^src/adapters/prisma/stores/' }
    },
    {
      name: 'connection-below-sql',
      comment: 'The connection to the database knows no statement.',
      severity: 'error',
      from: { path: '^src/adapters/prisma/[^/]+$' },
      to: { path: '^src/adapters/prisma/sql/' }
    },
    {
      name: 'pages-load',
      severity: 'error',
      comment:
        'Browsers load the pages, the client, the words, the shared constants and document-edit; everything else is types alone.',
      from: { path: '^src/pages/' },
      to: {
        pathNot: '^src/((pages|client|languages)/|core/(vocabulary|document-edit)[.]ts$)',
        dependencyTypesNot: ['type-only']
      }
    },
    {
      name: 'client-imports-no-package',
      comment: 'The client has no dependencies. axios is known by its types alone.',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '^src/client/server/' },
      to: { pathNot: '^src/client/(?!server/)', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two modules in a circle are one.',
      from: {},
      to: { circular: true }
    },
    {
      name: 'no-circular-folders',
      severity: 'error',
      comment: 'Folders in a circle are one folder.',
      scope: 'folder',
      from: {},
      to: { circular: true }
    },
    {
      name: 'no-dead-modules',
      severity: 'error',
      comment: 'No entry point of the package leads to this module: it is dead.',
      from: { path: entryPoints },
      to: { path: '^src/', pathNot: entryPoints, reachable: false }
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      comment: 'This import leads nowhere.',
      from: {},
      to: { couldNotResolve: true }
    },
    {
      name: 'not-to-dev-dependency',
      severity: 'error',
      comment: 'Installed packages do not bring development dependencies along.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] }
    }
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^src/adapters/prisma/generated/'] },
    exclude: { path: '^src/adapters/prisma/generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] }
  }
}
