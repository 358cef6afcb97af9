import { ProblemError } from "@ml-proxy/client";
import { queryOptions } from "@tanstack/react-query";
import { withoutQuestion } from "./client";

/** Who calls, as `GET /ml/v1/me/` describes it. `doctors` null: all doctors. */
export type Me = {
  name: string;
  roles: string[];
  permissions: string[];
  is_superuser: boolean;
  doctors: string[] | null;
  signed_in_by: "open" | "token" | "password" | "one-click" | "oidc";
};

/** The ways to sign in here. `provider` null: there is no identity provider. */
export type SignInWays = { one_click: boolean; provider: { name: string; url: string } | null; contact: string };

/** The caller, or null if nobody is signed in and the API is not open. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  staleTime: 60_000,
  queryFn: async (): Promise<Me | null> => {
    try {
      return await (await withoutQuestion.send("/ml/v1/me/")).json();
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) return null;
      throw error;
    }
  },
});

/** The ways to sign in. The answer sets the cookie with Django's token, which a sign-in needs. */
export const signInWaysQuery = queryOptions({
  queryKey: ["sign-in-ways"],
  queryFn: async (): Promise<SignInWays> => (await withoutQuestion.send("/accounts/session/")).json(),
});

export async function signIn(username: string, password: string): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  await withoutQuestion.send("/accounts/session/", {
    method: "POST",
    headers,
    body: JSON.stringify({ username, password }),
  });
}

/** Signs in as the generated administrator of one's own machine. */
export async function signInWithOneClick(): Promise<void> {
  await withoutQuestion.send("/accounts/session/one-click/", { method: "POST" });
}

/** Ends the session. Returns where the identity provider ends its own, blank if there is no such place. */
export async function signOut(): Promise<string> {
  const answer = (await (await withoutQuestion.send("/accounts/session/", { method: "DELETE" })).json()) as {
    end_session: string;
  };
  return answer.end_session;
}

/** Whether the caller has a permission such as `ml_proxy.add_feedback`. */
export function may(me: Me | null | undefined, permission: string): boolean {
  return Boolean(me && (me.is_superuser || me.signed_in_by === "open" || me.permissions.includes(permission)));
}
