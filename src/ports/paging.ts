export interface PageRequest {
  /** 1 to `maxPageLimit`. */
  readonly limit: number
  /** The `nextCursor` of the previous page. A listing throws `InvalidCursor` for any other text. */
  readonly cursor?: string | undefined
}

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Null on the last page. */
  readonly nextCursor: string | null
}
