import { useLingui } from "@lingui/react/macro";
import { X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Store, useStore } from "@/lib/store";

const SHOWN_MS = 6000;

type Message = { id: number; text: string; tone: "good" | "bad" };
const messages = new Store<Message[]>([]);
let last = 0;

/** Shows a short message in the corner for some seconds. Screen readers hear it. */
export function toast(text: string, tone: Message["tone"] = "good"): void {
  last += 1;
  const id = last;
  messages.set([...messages.get(), { id, text, tone }]);
  setTimeout(() => drop(id), SHOWN_MS);
}

function drop(id: number): void {
  messages.set(messages.get().filter((message) => message.id !== id));
}

export function Toaster() {
  const { t } = useLingui();
  const shown = useStore(messages);
  return (
    <section
      aria-label={t`Notifications`}
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-20 z-60 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2 lg:bottom-4"
    >
      {shown.map(({ id, text, tone }) => (
        <div
          key={id}
          className={`pointer-events-auto flex items-center justify-between gap-3 rounded-md border-l-4 bg-card p-3 shadow-lg ${
            tone === "bad" ? "border-bad" : "border-good"
          }`}
        >
          <p className="wrap-anywhere">{text}</p>
          <Button variant="ghost" size="icon" aria-label={t`Close`} onClick={() => drop(id)}>
            <X aria-hidden className="size-4" />
          </Button>
        </div>
      ))}
    </section>
  );
}
