import { cn } from "@/lib/cn";

/** A bar of `percent` of 100. Give it a name with `label`. */
export function Progress({ percent, label, className }: { percent: number; label: string; className?: string }) {
  const shown = Math.max(0, Math.min(100, percent));
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(shown)}
      className={cn("h-2 overflow-hidden rounded-full bg-muted", className)}
    >
      <div className="h-full rounded-full bg-primary transition-[width]" style={{ width: `${shown}%` }} />
    </div>
  );
}
