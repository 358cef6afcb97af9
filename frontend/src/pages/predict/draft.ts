import { Store } from "@/lib/store";
import type { Answer } from "./answer";

export type Draft = { model: string; doctor: string; patient: string; input: Record<string, unknown> };

/** What the form holds and its last answer, while the console is open: they survive a look at another page. */
export const draft = new Store<Draft>({ model: "", doctor: "", patient: "", input: {} });
export const lastAnswer = new Store<Answer | null>(null);

export function change(part: Partial<Draft>): void {
  draft.set({ ...draft.get(), ...part });
}

/** The same text for the same inputs. */
export function fingerprint({ model, doctor, patient, input }: Draft): string {
  return JSON.stringify([model, doctor.trim(), patient.trim(), input]);
}
