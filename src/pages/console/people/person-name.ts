import type { User } from '../../shared/responses.js'

/** What the console calls a person: the address, else the id that the host gave, else ours. */
export const personName = ({ email, external_id, id }: User): string => email ?? external_id ?? id
