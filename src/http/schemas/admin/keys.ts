import { type Static, Type } from 'typebox'
import { keyStates } from '../../../core/key-rotation.js'
import type { KeyWithState } from '../../../service/keys/rotate-keys.js'
import { nullable, time, timeView } from '../shared.js'

const SigningKey = Type.Object({
  kid: nullable(Type.String({ description: 'Null in a dry run, for the key that would be created.' })),
  alg: Type.String(),
  state: Type.Enum([...keyStates]),
  created_at: time,
  signs_from: time,
  retires_at: nullable(time)
})
export const KeysResponse = Type.Object({ keys: Type.Array(SigningKey) })

export function keyView(key: KeyWithState): Static<typeof SigningKey> {
  return {
    kid: key.kid,
    alg: key.alg,
    state: key.state,
    created_at: timeView(key.createdAt),
    signs_from: timeView(key.signsFrom),
    retires_at: key.retiresAt === null ? null : timeView(key.retiresAt)
  }
}

export const RotateKeysBody = Type.Object({
  revoke_old: Type.Optional(
    Type.Boolean({ description: 'For a leaked key: access tokens of all older keys are refused at once.' })
  ),
  dry_run: Type.Optional(Type.Boolean({ description: 'Change nothing; only show the keys as they would be.' }))
})
export const RotateKeysResponse = Type.Object({
  dry_run: Type.Boolean(),
  rotated: Type.Boolean({
    description: 'Whether a key was created, or would be. False if the next key is already published.'
  }),
  keys: Type.Array(SigningKey, { description: 'The keys after the rotation; in a dry run, as they would be.' })
})
