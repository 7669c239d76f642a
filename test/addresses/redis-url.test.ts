import t from 'tap'
import { readRedisUrl } from '../../src/addresses/redis-url.js'

const plain = { user: undefined, password: undefined, database: 0, isTls: false, sentinel: undefined }

for (const [text, expected] of [
  ['redis://', { ...plain, hosts: [{ host: 'localhost', port: 6379 }] }],
  ['rediss://cache:7000', { ...plain, hosts: [{ host: 'cache', port: 7000 }], isTls: true }],
  ['redis://:p#ss@cache/2', { ...plain, hosts: [{ host: 'cache', port: 6379 }], password: 'p#ss', database: 2 }],
  [
    'redis://ada:p@[::1]:1?db=3',
    { ...plain, hosts: [{ host: '::1', port: 1 }], user: 'ada', password: 'p', database: 3 }
  ],
  [
    'redis-sentinel://ada:p@a,b:1/mymaster',
    {
      ...plain,
      hosts: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 1 }
      ],
      user: 'ada',
      password: 'p',
      sentinel: { name: 'mymaster', user: undefined, password: undefined }
    }
  ],
  [
    'rediss-sentinel://a/mymaster?db=4&sentinel_user=bob&sentinel_password=q',
    {
      ...plain,
      hosts: [{ host: 'a', port: 26_379 }],
      database: 4,
      isTls: true,
      sentinel: { name: 'mymaster', user: 'bob', password: 'q' }
    }
  ]
] as const) {
  t.test(`${text} is read`, async (t) => {
    t.strictSame(readRedisUrl(text), expected)
  })
}

for (const [text, expected] of [
  ['http://cache', /must begin with redis:\/\//],
  ['redis-cluster://a,b', /names a Redis Cluster, which is not supported/],
  ['redis://a,b', /names several servers: .* redis-sentinel:\/\//],
  ['redis-sentinel://a,b', /must name the primary after the Sentinels/],
  ['redis://a/b', /the number of a database/],
  ['redis://a?db=x', /the number of a database/],
  ['redis://a?family=6', /has a parameter that is not known here/],
  ['redis://a?sentinel_password=x', /has a parameter that is not known here/],
  ['redis://:hunter2/x@a', /has an @ behind its host/]
] as const) {
  t.test(`${text} is refused`, async (t) => {
    t.throws(() => readRedisUrl(text), { name: 'InvalidUrl', message: expected })
  })
}
