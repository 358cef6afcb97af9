/** A text of any length to choose. */
export function TextButton({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <button
      type="button"
      dir="auto"
      onClick={onClick}
      className="w-full rounded-md px-2 py-2 text-left text-primary wrap-anywhere hover:bg-accent"
    >
      <span className="line-clamp-3">{children}</span>
    </button>
  );
}
