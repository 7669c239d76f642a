/**
 * Who may import whom. Each room names everything of ours that it may import, so a new folder is closed until a rule
 * opens it. scripts/architecture-doc.js draws these rules into docs/architecture.md.
 */
module.exports = [
  {
    room: 'core',
    from: '^src/core/',
    may: [],
    packages: false,
    why: 'The core is pure: no packages, no node:*, nothing of ours.'
  },
  { room: 'ports', from: '^src/ports/', may: ['core/'], packages: false, why: 'Ports use core types only.' },
  {
    room: 'network-address',
    from: '^src/network-address[.]ts$',
    may: [],
    why: 'Pure like the core, but a package parses the addresses.'
  },
  {
    room: 'addresses',
    from: '^src/addresses/',
    may: [],
    packages: false,
    why: 'Settings are checked by it and adapters connect by it, so that both read the same.'
  },
  {
    room: 'languages',
    from: '^src/languages/',
    may: ['core/'],
    packages: false,
    why: 'Words are data, and browsers load them.'
  },
  {
    room: 'service',
    from: '^src/service/',
    may: ['core/', 'ports/', 'network-address[.]ts$'],
    packages: false,
    why: 'A use case reaches the outside through ports.'
  },
  ...adapterRooms({
    claims: [],
    embedded: ['adapters/prisma/'],
    hooks: ['adapters/revocations/'],
    keys: ['adapters/secrets/', 'adapters/notices/'],
    mail: ['addresses/', 'languages/'],
    notices: ['adapters/redis/'],
    observability: [],
    passwords: ['adapters/queue/'],
    prisma: ['adapters/notices/', 'adapters/queue/', 'addresses/', 'network-address[.]ts$'],
    queue: [],
    'rate-limits': ['adapters/redis/'],
    redis: ['addresses/'],
    revocations: ['adapters/notices/'],
    secrets: []
  }),
  {
    room: 'http',
    from: '^src/http/',
    may: ['core/', 'ports/', 'service/', 'network-address[.]ts$'],
    why: 'HTTP calls use cases, never a store.'
  },
  {
    room: 'pages',
    from: '^src/pages/',
    may: [
      'client/index[.]ts$',
      'core/vocabulary[.]ts$',
      'core/document-edit[.]ts$',
      'languages/',
      'ports/',
      'http/schemas/'
    ],
    why: 'Pages are clients: of the server they import only types, shared constants, and how to edit a document.'
  },
  {
    room: 'verifier',
    from: '^src/verifier/',
    may: ['core/'],
    why: 'Other services install the verifier without the rest.'
  },
  {
    room: 'client',
    from: '^src/client/(?!server/)',
    may: [],
    why: 'Browsers load the client, and nothing of the server with it.'
  },
  {
    room: 'client/server',
    from: '^src/client/server/',
    may: ['client/', 'core/'],
    packages: false,
    why: 'Servers that render pages load it, without the rest of Latchkey.'
  },
  {
    room: 'race-kit',
    from: '^src/race-kit/',
    may: ['core/'],
    why: 'The race kit tests any service by its address.'
  },
  {
    room: 'testing',
    from: '^src/testing/',
    may: ['core/', 'ports/', 'service/', 'http/', 'verifier/options[.]ts$', 'race-kit/index[.]ts$'],
    why: 'It signs in by the use cases of the app under test, and makes tokens for a verifier.'
  },
  {
    room: 'config',
    from: '^src/config/',
    may: ['core/', 'addresses/', 'network-address[.]ts$'],
    why: 'Settings are read before anything else exists.'
  },
  {
    room: 'composition',
    from: '^src/composition[.]ts$',
    may: ['core/', 'ports/', 'service/', 'adapters/', 'config/', 'addresses/', 'languages/', 'overrides[.]ts$'],
    why: 'The one place where adapters are chosen.'
  },
  {
    room: 'overrides',
    from: '^src/overrides[.]ts$',
    may: ['core/hooks[.]ts$', 'ports/', 'adapters/prisma/'],
    why: 'What tests and unusual hosts can replace. The package exports its type.'
  },
  {
    room: 'plugin',
    from: '^src/plugin[.]ts$',
    may: ['composition[.]ts$', 'config/', 'core/', 'http/', 'ports/added-claims[.]ts$', 'ports/mail[.]ts$'],
    why: 'The plugin: options, composition, routes.'
  },
  {
    room: 'app',
    from: '^src/app[.]ts$',
    may: ['composition[.]ts$', 'overrides[.]ts$', 'config/', 'http/', 'graceful-close[.]ts$'],
    why: 'The stand-alone app; it neither listens nor prints.'
  },
  {
    room: 'unbundled',
    from: '^src/unbundled[.]ts$',
    may: [],
    packages: false,
    why: 'Runs before everything else that the package loads.'
  },
  {
    room: 'graceful-close',
    from: '^src/graceful-close[.]ts$',
    may: [],
    why: 'Closing a server needs nothing of ours.'
  },
  {
    room: 'server',
    from: '^src/server[.]ts$',
    may: ['app[.]ts$', 'config/', 'graceful-close[.]ts$'],
    why: 'The server is only the process around the app.'
  },
  {
    room: 'cli',
    from: '^src/cli/',
    may: [
      'core/',
      'languages/',
      'ports/',
      'service/',
      'composition[.]ts$',
      'server[.]ts$',
      'config/',
      'race-kit/index[.]ts$'
    ],
    why: 'The command line calls the same use cases as HTTP.'
  }
]

/** An adapter fills a port and knows no use case. Beyond that it imports only what its list names. */
function adapterRooms(roomsOfAdapters) {
  return Object.entries(roomsOfAdapters).map(([name, others]) => ({
    room: `adapters/${name}`,
    from: `^src/adapters/${name}/`,
    may: ['core/', 'ports/', ...others],
    why: 'An adapter fills a port and knows no use case.'
  }))
}
