import { readFile } from 'node:fs/promises'
import t from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/read-config.js'
import { settings } from '../../src/config/schema.js'
import { openTestDatabase } from '../support/database.js'
import { openService } from '../support/service.js'

const Labels = Type.Record(Type.String(), Type.String())
const Probe = Type.Object({
  httpGet: Type.Object({ path: Type.String(), port: Type.String() }),
  periodSeconds: Type.Integer(),
  timeoutSeconds: Type.Integer(),
  failureThreshold: Type.Integer()
})
const Container = Type.Object({
  ports: Type.Array(Type.Object({ name: Type.String(), containerPort: Type.Integer() })),
  env: Type.Array(Type.Object({ name: Type.String(), value: Type.Optional(Type.String()) })),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  securityContext: Type.Object({
    allowPrivilegeEscalation: Type.Literal(false),
    readOnlyRootFilesystem: Type.Literal(true),
    capabilities: Type.Object({ drop: Type.Tuple([Type.Literal('ALL')]) })
  })
})
const Deployment = Type.Object({
  spec: Type.Object({
    replicas: Type.Literal(2),
    selector: Type.Object({ matchLabels: Labels }),
    template: Type.Object({
      metadata: Type.Object({ labels: Labels, annotations: Labels }),
      spec: Type.Object({
        automountServiceAccountToken: Type.Literal(false),
        terminationGracePeriodSeconds: Type.Integer(),
        securityContext: Type.Object({ runAsNonRoot: Type.Literal(true) }),
        containers: Type.Tuple([Container])
      })
    })
  })
})
const Service = Type.Object({
  spec: Type.Object({ selector: Labels, ports: Type.Array(Type.Object({ targetPort: Type.String() })) })
})
const Budget = Type.Object({
  spec: Type.Object({ minAvailable: Type.Integer(), selector: Type.Object({ matchLabels: Labels }) })
})

const file = new URL('../../../deploy/kubernetes/latchkey.yaml', import.meta.url)
const documents = parseAllDocuments(await readFile(file, 'utf8'))
const values = documents.map((document) => document.toJS())
const deployment = Value.Parse(Deployment, values[0]).spec
const pod = deployment.template
const [container] = pod.spec.containers
const variables = Object.fromEntries(container.env.map(({ name, value }) => [name, value]))

const config = loadConfig({
  ...variables,
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://latchkey:secret@postgres:5432/latchkey',
  ROOT_SECRET: 'a root secret for tests of more than 32 bytes'
})

t.test('the manifests are YAML without a fault, and belong together', async (t) => {
  for (const { errors, warnings } of documents) t.strictSame([...errors, ...warnings], [])
  t.strictSame(
    values.map(({ kind }) => kind),
    ['Deployment', 'Service', 'PodDisruptionBudget']
  )
  const { selector, ports } = Value.Parse(Service, values[1]).spec
  const budget = Value.Parse(Budget, values[2]).spec
  for (const labels of [deployment.selector.matchLabels, selector, budget.selector.matchLabels]) {
    t.strictSame(labels, pod.metadata.labels)
  }
  t.ok(budget.minAvailable < deployment.replicas, 'a node can be drained')
  t.strictSame(
    ports.map(({ targetPort }) => targetPort),
    ['http']
  )
})

t.test('every variable is a setting, and the ports are those of the settings', async (t) => {
  const known = settings.map(({ variable }) => variable)
  for (const { name } of container.env) t.ok(known.includes(name), name)
  const portOf = (name: string) => container.ports.find((port) => port.name === name)?.containerPort
  t.equal(portOf('http'), config.port)
  t.equal(portOf('metrics'), config.metricsPort)
  t.equal(pod.metadata.annotations['prometheus.io/port'], String(config.metricsPort))
})

t.test('the probes ask for addresses that exist, and a lost database restarts nothing', async (t) => {
  const { startupProbe, livenessProbe, readinessProbe } = container
  const app = await openService(t, await openTestDatabase(t, { kind: 'embedded' }))
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
    t.equal((await app.inject(httpGet.path)).statusCode, 200, httpGet.path)
    t.equal(httpGet.port, 'http')
  }
  t.equal(readinessProbe.httpGet.path, '/readyz')
  for (const { httpGet } of [startupProbe, livenessProbe]) t.equal(httpGet.path, '/healthz')
})

t.test('a pod has time to serve, and to finish its requests, before it is killed', async (t) => {
  const finishSeconds = 8
  const { periodSeconds, timeoutSeconds, failureThreshold } = container.readinessProbe
  t.ok(
    config.shutdownDelaySeconds > periodSeconds * failureThreshold + timeoutSeconds,
    'the probes fail before it ends'
  )
  t.ok(config.shutdownDelaySeconds + finishSeconds < pod.spec.terminationGracePeriodSeconds)
})
