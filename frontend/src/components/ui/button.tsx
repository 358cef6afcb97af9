import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const VARIANTS = {
  primary: "bg-primary text-primary-foreground hover:bg-primary-strong",
  outline: "border border-input text-primary hover:border-primary hover:bg-accent",
  ghost: "text-foreground hover:bg-accent",
  danger: "border border-bad text-bad hover:bg-bad-ground",
} as const;
const SIZES = { md: "h-11 px-4", sm: "h-9 px-3 text-sm", icon: "size-11 justify-center" } as const;

type Props = ComponentProps<"button"> & {
  variant?: keyof typeof VARIANTS;
  size?: keyof typeof SIZES;
  asChild?: boolean;
};

/** With `asChild` the child, such as a link, looks like the button. */
export function Button({ variant = "outline", size = "md", asChild, className, ...props }: Props) {
  const Element = asChild ? Slot.Root : "button";
  return (
    <Element
      type={asChild ? undefined : "button"}
      className={cn(
        "inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-md font-medium",
        "transition-colors disabled:pointer-events-none disabled:opacity-55",
        VARIANTS[variant],
        SIZES[size],
        className,
      )}
      {...props}
    />
  );
}
