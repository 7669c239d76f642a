import { type Static, Type } from 'typebox'
import { endedReasons } from '../../core/vocabulary.js'

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'The address that explains `code`.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    code: Type.String({ description: 'Stable. Programs decide by it.' }),
    reason: Type.Optional(Type.Enum([...endedReasons], { description: 'With `session_ended`.' })),
    replaced: Type.Optional(
      Type.Boolean({
        description:
          'With `session_ended`: a login in the same client has also replaced the session. Refresh once more, as after the reason `replaced`.'
      })
    ),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() })))
  },
  { description: 'RFC 9457' }
)
export type Problem = Static<typeof Problem>
