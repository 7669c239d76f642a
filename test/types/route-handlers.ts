// Compiled by `npm run types`, never run: each @ts-expect-error marks a use that must not compile.
import { Type } from 'typebox'
import type { Scope } from '../../src/http/context.js'
import { describe } from '../../src/http/describe.js'

declare const app: Scope

const options = describe({
  summary: 'A route',
  body: Type.Object({ device: Type.String() }),
  response: { 200: Type.Object({ id: Type.String() }) }
})

app.post('/', options, async (request) => ({ id: request.body.device }))
app.post('/', options, async (_request, reply) => reply.send({ id: 'x' }))

// @ts-expect-error the response needs an id
app.post('/', options, async () => ({ name: 'x' }))
// @ts-expect-error the id is a string
app.post('/', options, async () => ({ id: 1 }))
// @ts-expect-error the response has no member but the id
app.post('/', options, async (_request, reply) => reply.send({ id: 'x', name: 'x' }))
// @ts-expect-error the body has no such member
app.post('/', options, async (request) => ({ id: request.body.name }))
