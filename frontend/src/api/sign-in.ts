import { Store } from "@/lib/store";

type Question = { answer: (signedIn: boolean) => void };

/** The open question for a sign-in, which `SignInDialog` shows; null if nobody has to sign in. */
export const signInQuestion = new Store<Question | null>(null);
let pending: Promise<boolean> | null = null;

/** Opens the sign-in dialog above whatever is on the screen. Resolves to whether the user signed in. */
export function askToSignIn(): Promise<boolean> {
  pending ??= new Promise<boolean>((resolve) => signInQuestion.set({ answer: resolve })).finally(() => {
    pending = null;
    signInQuestion.set(null);
  });
  return pending;
}
