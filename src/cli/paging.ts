import { defaultPageLimit, maxPageLimit } from '../core/vocabulary.js'
import { InvalidCursor } from '../ports/errors.js'
import type { PageRequest } from '../ports/paging.js'
import { readWhole, UsageError } from './command.js'

export const pagingOptions = {
  limit: { type: 'string', summary: `How many to show, 1 to ${maxPageLimit}; ${defaultPageLimit} by default.` },
  cursor: { type: 'string', summary: 'Continue after the previous page, which printed this cursor.' }
} as const

export function readPaging(options: { readonly limit?: string; readonly cursor?: string }): PageRequest {
  const limit = readWhole('--limit', options.limit ?? String(defaultPageLimit), 1, maxPageLimit)
  return { limit, cursor: options.cursor }
}

/** Turns an invalid cursor into a `UsageError`. */
export function readPage<T>(page: Promise<T>): Promise<T> {
  return page.catch((error) => {
    if (!(error instanceof InvalidCursor)) throw error
    throw new UsageError('--cursor must be the cursor that the previous page printed.')
  })
}
