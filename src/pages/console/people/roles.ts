/** The roles that an admin has typed, separated by spaces or commas. */
export const rolesOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((role) => role !== ''))]
