import { listKeys, rotateKeys } from '../../../service/keys/rotate-keys.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { KeysResponse, keyView, RotateKeysBody, RotateKeysResponse } from '../../schemas/admin/keys.js'

/** GET /admin/keys, POST /admin/keys/rotate: the signing keys. */
export const adminKeyRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/keys',
    describe({ summary: 'The signing keys, newest first', response: { 200: KeysResponse } }),
    async () => ({ keys: (await listKeys(ports)).map(keyView) })
  )

  app.post(
    '/admin/keys/rotate',
    describe({
      summary: 'Rotate the signing key',
      description:
        'Publishes the next key now. The key signs once every cached key set contains it. Until then, further rotations change nothing.',
      body: RotateKeysBody,
      response: { 200: RotateKeysResponse }
    }),
    async (request) => {
      const { revoke_old: revokeOld = false, dry_run: dryRun = false } = request.body
      const { rotated, keys } = await rotateKeys(ports, { revokeOld, dryRun }, actorOf(request))
      return { dry_run: dryRun, rotated, keys: keys.map(keyView) }
    }
  )
}
