import { lazy, Suspense } from "react";
import { signInQuestion } from "@/api/sign-in";
import { useStore } from "@/lib/store";

const Content = lazy(async () => ({ default: (await import("./sign-in-dialog-content")).SignInDialogContent }));

/** Opens when a call gets a 401. The page below stays as it is, and the call is sent again after the sign-in. */
export function SignInDialog() {
  const question = useStore(signInQuestion);
  if (!question) return null;
  return (
    <Suspense>
      <Content answer={question.answer} />
    </Suspense>
  );
}
