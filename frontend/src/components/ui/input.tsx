import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const CONTROL =
  "w-full min-w-0 rounded-md border border-input bg-card px-3 text-base text-foreground " +
  "placeholder:text-muted-foreground aria-invalid:border-bad disabled:opacity-60";

export function Input({ className, ...props }: ComponentProps<"input">) {
  return <input className={cn(CONTROL, "h-11", className)} {...props} />;
}

export function Textarea({ className, ...props }: ComponentProps<"textarea">) {
  return <textarea className={cn(CONTROL, "min-h-24 py-2", className)} {...props} />;
}

/** The browser's own select: it works with every screen reader and with a phone's picker. */
export function Select({ className, ...props }: ComponentProps<"select">) {
  return <select className={cn(CONTROL, "h-11 pr-8", className)} {...props} />;
}

export function Checkbox({ className, ...props }: ComponentProps<"input">) {
  return <input type="checkbox" className={cn("size-5 shrink-0 accent-primary", className)} {...props} />;
}
