import axios, { type AxiosInstance } from 'axios'
import t from 'tap'
import { authorizeAxios } from '../../src/client/axios.js'
import { openRealService, sessionOf } from '../support/client/real-service.js'

const { baseURL, newClient, storm } = await openRealService(t)
const requests = Array.from({ length: 30 })

t.test('authorizeAxios refreshes once for many 401s at once', async (t) => {
  const { auth, jar } = await newClient()
  const instance = axios.create({ baseURL })
  const undo = authorizeAxios(instance, auth)
  const sid = sessionOf(auth.state)
  for (let round = 0; round < 3; round += 1) {
    await storm(sid)
    const answers = await Promise.all(requests.map(() => instance.get('/me')))
    t.ok(answers.every(({ data }) => data.session_id === sid))
    t.equal(jar.takeCount('/refresh'), 1)
  }
  await storm(sid)
  const named = await instance.patch(`/sessions/${sid}`, { device: 'renamed' })
  t.match(named.data, { device: 'renamed' }, 'the body is repeated too')

  const wrong = { current_password: 'a wrong one', new_password: 'another rather long password' }
  await t.rejects(instance.post('/password', wrong), { name: 'AxiosError', response: { status: 401 } })
  t.equal(jar.takeCount('/refresh'), 1, 'only the refresh before')
  await t.rejects(instance.get('/me', { headers: { authorization: 'Bearer mine' } }), {
    name: 'AxiosError',
    response: { status: 401 }
  })

  const { headers } = (await instance.get('https://elsewhere.test/', { adapter: echo })).config
  t.notOk(headers.has('authorization'), 'another origin receives no token')

  await auth.revoke(sid)
  await t.rejects(instance.get('/me'), { name: 'AxiosError', response: { status: 401 } })
  undo()
  await t.rejects(instance.get('/me'), { name: 'AxiosError', response: { data: { code: 'missing_credentials' } } })
})

t.test('a page whose location cannot be read sends the token to an absolute address', async (t) => {
  const { auth } = await newClient()
  const instance = axios.create({ baseURL, adapter: echo })
  authorizeAxios(instance, auth)
  const location = {
    configurable: true,
    get: () => {
      throw new DOMException('The operation is insecure', 'SecurityError')
    }
  }
  Object.defineProperty(globalThis, 'location', location)
  t.teardown(() => Reflect.deleteProperty(globalThis, 'location'))
  t.ok((await instance.get('/me')).config.headers.has('authorization'))
})

const echo: NonNullable<AxiosInstance['defaults']['adapter']> = async (config) => ({
  data: '',
  status: 200,
  statusText: '',
  headers: {},
  config
})
