/** A fault of the root secrets that only the operator can mend. Start refuses with its message, which holds no secret. */
export class RootSecretError extends Error {
  override readonly name = 'RootSecretError'
}
