import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { MySQL, PostgreSQL, SQLite, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { getNonce } from "get-nonce";
import { useEffect, useRef } from "react";
import type { Table } from "./api";

type Props = {
  value: string;
  onChange: (sql: string) => void;
  onRun: () => void;
  engine: string;
  tables: Table[];
  label: string;
};

const DIALECTS = { mysql: MySQL, postgres: PostgreSQL, sqlite: SQLite };

const THEME = EditorView.theme({
  "&": { backgroundColor: "var(--card)", color: "var(--foreground)", fontSize: "0.9375rem" },
  "&.cm-focused": { outline: "3px solid var(--primary)", outlineOffset: "2px" },
  ".cm-content": {
    fontFamily: "var(--font-mono)",
    padding: "0.625rem 0.25rem",
    minHeight: "6rem",
    caretColor: "var(--foreground)",
  },
  ".cm-cursor": { borderLeftColor: "var(--foreground)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--foreground)", border: "1px solid var(--border)" },
  "& .cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--primary)",
    color: "var(--primary-foreground)",
  },
});

const COLORS = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--primary)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--chart-2)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--chart-3)" },
  { tag: tags.comment, color: "var(--muted-foreground)", fontStyle: "italic" },
]);

/** An editor of one statement. Ctrl-Enter runs it, Ctrl-Space completes names; Tab leaves it, as in any field. */
export function SqlEditor({ value, onChange, onRun, engine, tables, label }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ value, onChange, onRun });
  latest.current = { value, onChange, onRun };

  useEffect(() => {
    const run = () => {
      latest.current.onRun();
      return true;
    };
    const visible = tables.filter(({ hidden }) => !hidden);
    const schema = Object.fromEntries(
      visible.map(({ name, columns }) => [name, columns.filter(({ hidden }) => !hidden).map((column) => column.name)]),
    );
    view.current = new EditorView({
      parent: parent.current ?? undefined,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(getNonce() ?? ""),
          keymap.of([{ key: "Mod-Enter", run }, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          history(),
          bracketMatching(),
          autocompletion({ activateOnTyping: false }), // a list that opens by itself takes Enter and covers the text
          sql({ dialect: DIALECTS[engine as keyof typeof DIALECTS] ?? SQLite, schema, upperCaseKeywords: true }),
          syntaxHighlighting(COLORS),
          EditorView.lineWrapping,
          THEME,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    return () => view.current?.destroy();
  }, [engine, tables, label]);

  useEffect(() => {
    const shown = view.current?.state.doc.toString();
    if (shown !== undefined && shown !== value)
      view.current?.dispatch({ changes: { from: 0, to: shown.length, insert: value } });
  }, [value]);

  return <div ref={parent} className="min-w-0 overflow-hidden rounded-md border border-input" />;
}
