/**
 * Who may import whom. docs/architecture.md draws these arrows; this file holds them.
 * Each layer names everything of ours that it may import, so a new folder is closed until it is let in.
 */
const layers = [
  {
    layer: 'core',
    from: '^src/core/',
    may: [],
    packages: false,
    why: 'The core is pure: no packages, no node:*, nothing of ours.'
  },
  { layer: 'ports', from: '^src/ports[.]ts$', may: ['core/'], packages: false, why: 'Ports speak of core types only.' },
  {
    layer: 'service',
    from: '^src/service/',
    may: ['core/', 'ports[.]ts$'],
    packages: false,
    why: 'A use case reaches the outside through ports.'
  },
  {
    layer: 'adapters',
    from: '^src/adapters/',
    may: ['core/', 'ports[.]ts$'],
    why: 'An adapter fills a port and knows no use case.'
  },
  {
    layer: 'http',
    from: '^src/http/(?!pages/)',
    may: ['core/', 'ports[.]ts$', 'service/'],
    why: 'HTTP calls use cases, never a store.'
  },
  {
    layer: 'pages',
    from: '^src/http/pages/',
    may: ['client/index[.]ts$', 'core/reasons[.]ts$', 'ports[.]ts$', 'http/schemas[.]ts$'],
    why: 'Pages are clients like any other.'
  },
  {
    layer: 'verifier',
    from: '^src/verifier/',
    may: ['core/(access-claims|revocation)[.]ts$'],
    why: 'Other services install the verifier without the rest.'
  },
  {
    layer: 'client',
    from: '^src/client/',
    may: [],
    why: 'Browsers load the client; nothing of the server comes along.'
  },
  {
    layer: 'testing',
    from: '^src/testing/',
    may: ['core/'],
    why: 'The race kit knows a service by its address, whoever wrote it.'
  },
  {
    layer: 'config',
    from: '^src/config[a-z-]*[.]ts$',
    may: ['core/', 'config[a-z-]*[.]ts$'],
    why: 'Settings are read before anything else exists.'
  },
  {
    layer: 'logger-options',
    from: '^src/logger-options[.]ts$',
    may: [],
    why: 'What is logged is for the app to choose.'
  },
  {
    layer: 'plugin',
    from: '^src/plugin[.]ts$',
    may: ['core/', 'ports[.]ts$', 'service/', 'http/'],
    why: 'The plugin takes its ports by options.'
  },
  {
    layer: 'app',
    from: '^src/app[.]ts$',
    may: [
      'core/',
      'ports[.]ts$',
      'service/',
      'http/',
      'adapters/',
      'plugin[.]ts$',
      'config[.]ts$',
      'logger-options[.]ts$'
    ],
    why: 'The app wires; it neither listens nor prints.'
  },
  {
    layer: 'server',
    from: '^src/server[.]ts$',
    may: ['app[.]ts$', 'config[.]ts$'],
    why: 'The server is only the process around the app.'
  },
  {
    layer: 'cli',
    from: '^src/cli/',
    may: ['core/', 'app[.]ts$', 'server[.]ts$', 'config[.]ts$', 'service/', 'ports[.]ts$', 'testing/index[.]ts$'],
    why: 'The command line calls the same use cases as HTTP.'
  }
]

const entryPoints = '^src/(index|cli/main|(verifier|client|testing)/(index|axios)|http/pages/(account|console))[.]ts$'

/** What a layer imports of ours besides itself is on its list, or is refused. */
function holdLayer({ layer, from, may, packages = true, why }) {
  const allowed = [from, ...may.map((path) => `^src/${path}`)]
  return {
    name: `${layer}-imports`,
    comment: why,
    severity: 'error',
    from: { path: from },
    to: packages ? { path: '^src/', pathNot: allowed } : { pathNot: allowed }
  }
}

module.exports = {
  forbidden: [
    ...layers.map(holdLayer),
    {
      name: 'pages-load',
      severity: 'error',
      comment: 'Browsers load the pages and the client; of everything else there are types alone.',
      from: { path: '^src/http/pages/' },
      to: { pathNot: '^src/(http/pages|client)/', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'client-imports-no-package',
      comment: 'Pages load the client as it is. axios is known by its types alone.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { pathNot: '^src/client/', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two modules in a circle are one.',
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
