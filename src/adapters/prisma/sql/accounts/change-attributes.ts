import { type Attributes, changedMembers } from '../../../../core/attributes.js'
import type { Actor } from '../../../../ports/events.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import type { Statements } from '../end-sessions.js'
import type { ClaimPolicy } from '../live-sessions.js'

/** The names of members can be as long as the attributes; the event log keeps no more of them. */
const maxNoteLength = 500

/**
 * Replaces the attributes of a user by what `change` returns for them, and writes an event that names the members that
 * changed. Returns these names. For a transaction that has locked the user's row.
 */
export async function changeAttributes(
  prisma: Statements,
  userId: string,
  change: (attributes: Attributes) => Attributes,
  actor: Actor
): Promise<readonly string[]> {
  const [row] = await prisma.$queryRaw<{ readonly attributes: Attributes }[]>`
    SELECT u.attributes FROM ${tables.user} u WHERE u.id = ${userId}::uuid`
  if (row === undefined) return []
  const after = change(row.attributes)
  const names = changedMembers(row.attributes, after)
  if (names.length === 0) return []
  await prisma.$queryRaw`
    WITH changed AS (
      UPDATE ${tables.user} u SET attributes = ${JSON.stringify(after)}::jsonb WHERE u.id = ${userId}::uuid RETURNING u.id
    )
    INSERT INTO ${eventTarget}
    SELECT 'attributes_changed', id, NULL::uuid, NULL, ${names.join(', ').slice(0, maxNoteLength)}, ${by(actor)} FROM changed`
  return names
}

/** Whether access tokens with the attributes `names` as they were before are stale now. */
export function decideAboutClaims(names: readonly string[], { claimAttributes }: ClaimPolicy): boolean {
  return names.some((name) => claimAttributes === 'any' || claimAttributes.includes(name))
}
