/** An account, without its password hash. */
export interface User {
  readonly id: string
  readonly email: string
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly createdAt: number
}

export interface UserWithPassword extends User {
  readonly passwordHash: string
}
