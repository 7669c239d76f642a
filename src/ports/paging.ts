export interface PageRequest {
  /** 1 to 200. */
  readonly limit: number
  /** `nextCursor` of the page before; a text that is no such cursor is `invalid_cursor`. */
  readonly cursor?: string | undefined
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}
