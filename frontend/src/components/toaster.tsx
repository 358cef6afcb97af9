import { useLingui } from "@lingui/react/macro";
import { X } from "lucide-react";
import { Toast } from "radix-ui";
import { Button } from "@/components/ui/button";
import { Store, useStore } from "@/lib/store";

type Message = { id: number; text: string; tone: "good" | "bad" };
const messages = new Store<Message[]>([]);
let last = 0;

/** Shows a short message in the corner for some seconds. Screen readers hear it. */
export function toast(text: string, tone: Message["tone"] = "good"): void {
  last += 1;
  messages.set([...messages.get(), { id: last, text, tone }]);
}

export function Toaster() {
  const { t } = useLingui();
  const shown = useStore(messages);
  const drop = (id: number) => messages.set(messages.get().filter((message) => message.id !== id));
  return (
    <Toast.Provider label={t`Notifications`} swipeDirection="right">
      {shown.map(({ id, text, tone }) => (
        <Toast.Root
          key={id}
          onOpenChange={(isOpen) => !isOpen && drop(id)}
          className={`flex items-center justify-between gap-3 rounded-md border-l-4 bg-card p-3 shadow-lg ${
            tone === "bad" ? "border-bad" : "border-good"
          }`}
        >
          <Toast.Description className="wrap-anywhere">{text}</Toast.Description>
          <Toast.Close asChild>
            <Button variant="ghost" size="icon" aria-label={t`Close`}>
              <X aria-hidden className="size-4" />
            </Button>
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport
        label={t`Notifications`}
        className="fixed right-4 bottom-20 z-60 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2 lg:bottom-4"
      />
    </Toast.Provider>
  );
}
