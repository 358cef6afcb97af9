import { useLingui } from "@lingui/react/macro";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { withoutQuestion } from "@/api/client";
import { meQuery } from "@/api/session";
import { Dialog } from "@/components/ui/dialog";
import { SignInForm } from "./sign-in-form";

type Props = { answer: (signedIn: boolean) => void };

export function SignInDialogContent({ answer }: Props) {
  const { t } = useLingui();
  const queries = useQueryClient();
  useEffect(() => {
    const look = () => void withoutQuestion.send("/ml/v1/me/").then(() => answer(true), ignore);
    window.addEventListener("focus", look); // a sign-in in another tab, as with an identity provider
    return () => window.removeEventListener("focus", look);
  }, [answer]);
  const signedIn = () => {
    answer(true);
    void queries.invalidateQueries({ queryKey: meQuery.queryKey });
  };
  return (
    <Dialog
      open
      onClose={() => answer(false)}
      title={t`Your session has ended`}
      description={t`Sign in again to go on. What you entered is still there.`}
    >
      <SignInForm onSignedIn={signedIn} isInDialog />
    </Dialog>
  );
}

function ignore(): void {
  // Still not signed in: the dialog stays open.
}
