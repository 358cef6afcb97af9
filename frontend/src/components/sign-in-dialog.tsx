import { useLingui } from "@lingui/react/macro";
import { useQueryClient } from "@tanstack/react-query";
import { meQuery } from "@/api/session";
import { signInQuestion } from "@/api/sign-in";
import { Dialog } from "@/components/ui/dialog";
import { useStore } from "@/lib/store";
import { SignInForm } from "./sign-in-form";

/** Opens when a call gets a 401. The page below stays as it is, and the call is sent again after the sign-in. */
export function SignInDialog() {
  const { t } = useLingui();
  const queries = useQueryClient();
  const question = useStore(signInQuestion);
  const signedIn = () => {
    question?.answer(true);
    void queries.invalidateQueries({ queryKey: meQuery.queryKey });
  };
  return (
    <Dialog
      open={question !== null}
      onClose={() => question?.answer(false)}
      title={t`Your session has ended`}
      description={t`Sign in again to go on. What you entered is still there.`}
    >
      <SignInForm onSignedIn={signedIn} next={location.pathname + location.search} />
    </Dialog>
  );
}
