import { type ClassValue, clsx } from "clsx";

/** Joins class names. A class that must win over one of the component's own ends with `!`, as Tailwind has it. */
export function cn(...classes: ClassValue[]): string {
  return clsx(classes);
}
