import type { Static } from 'typebox'
import { listKeys, rotateKeys } from '../../../service/keys/signing-keys.js'
import { actorOf, type Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { adminGuards } from '../../guards.js'
import { KeysResponse, RotateKeysBody, RotateKeysResponse } from '../../schemas/index.js'
import { keyView } from '../../views.js'

/** Ops see the signing keys and rotate them. */
export const adminKeyRoutes: Routes = (app, context) => {
  const { ports } = context
  const preHandler = adminGuards(context)

  app.get(
    '/admin/keys',
    {
      preHandler,
      schema: describe({
        summary: 'The signing keys, newest first',
        tag: 'admin',
        guarded: true,
        response: { 200: KeysResponse },
        problems: ['insufficient_scope', 'unavailable']
      })
    },
    async () => ({ keys: (await listKeys(ports)).map(keyView) })
  )

  app.post<{ Body: Static<typeof RotateKeysBody> }>(
    '/admin/keys/rotate',
    {
      preHandler,
      schema: describe({
        summary: 'Rotate the signing key',
        description:
          'The next key is published now and signs when every key set in a cache has it; asking again meanwhile changes nothing.',
        tag: 'admin',
        guarded: true,
        body: RotateKeysBody,
        response: { 200: RotateKeysResponse },
        problems: ['invalid_request', 'forbidden_origin', 'insufficient_scope', 'unavailable']
      })
    },
    async (request) => {
      const { revoke_old: revokeOld = false, dry_run: dryRun = false } = request.body
      const { rotated, keys } = await rotateKeys(ports, { revokeOld, dryRun }, actorOf(request))
      return { dry_run: dryRun, rotated, keys: keys.map(keyView) }
    }
  )
}
