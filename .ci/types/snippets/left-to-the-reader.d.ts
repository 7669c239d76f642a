/** What the pages' snippets leave to the reader, or define in a snippet before. */
declare const app: import('fastify').FastifyInstance
declare const auth: import('latchkey/client').AuthClient
declare const email: string
declare const password: string
declare function showLogin(reason?: string): void
declare const issuer: string
declare const credential: { readonly id: string; readonly secret: string }
/** A table of the host's own, and what its hooks do. */
declare const people: { upsert(userId: string): Promise<void>; deleteIfThere(userId: string): Promise<void> }
declare function askDirectory(
  name: string,
  password: string
): Promise<{ readonly dn: string; readonly mail?: string; readonly isEditor: boolean }>
declare const devices: { forget(sid: string): Promise<void>; forgetAllUntil(at: number): Promise<void> }
declare function reportOnce(id: string, entry: object): Promise<void>

/** The packages of a phone's app, as far as the snippets use them. */
declare module 'react-native-get-random-values' {}
declare module 'react-native-url-polyfill/auto' {}
declare module '@react-native-async-storage/async-storage' {
  const storage: {
    getItem(key: string): Promise<string | null>
    setItem(key: string, value: string): Promise<void>
    removeItem(key: string): Promise<void>
  }
  export default storage
}
declare module 'expo-secure-store' {
  interface Options {
    keychainAccessible?: number
  }
  export const AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: number
  export function getItemAsync(key: string, options?: Options): Promise<string | null>
  export function setItemAsync(key: string, value: string, options?: Options): Promise<void>
  export function deleteItemAsync(key: string, options?: Options): Promise<void>
}
