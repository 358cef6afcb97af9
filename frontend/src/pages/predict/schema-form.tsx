import { useLingui } from "@lingui/react/macro";
import Form from "@rjsf/core";
import {
  ariaDescribedByIds,
  type BaseInputTemplateProps,
  type ErrorSchema,
  type FieldTemplateProps,
  getInputProps,
  type ObjectFieldTemplateProps,
  type RegistryWidgetsType,
  type RJSFSchema,
  type UiSchema,
  type ValidatorType,
  type WidgetProps,
} from "@rjsf/utils";
import { useModelText } from "@/components/inference/model-texts";
import { Checkbox, Input, Select, Textarea } from "@/components/ui/input";
import { words } from "@/lib/format";
import { PictureWidget } from "./picture-widget";
import type { Schema } from "./schema";
import { type Fault, faultsOf } from "./validate";

export { faultsOf };

type Props = {
  schema: Schema;
  files: readonly string[];
  value: Record<string, unknown>;
  faults: readonly (Omit<Fault, "message"> & { text: string })[];
  onChange: (value: Record<string, unknown>) => void;
};

/** The controls for a JSON Schema. The page around it sends them, and says what is wrong with them. */
export function SchemaForm({ schema, files, value, faults, onChange }: Props) {
  return (
    <Form
      tagName="div"
      schema={schema as RJSFSchema}
      uiSchema={uiSchema(files)}
      formData={value}
      validator={VALIDATOR}
      noValidate
      extraErrors={errorSchema(faults)}
      showErrorList={false}
      templates={TEMPLATES}
      widgets={WIDGETS}
      idPrefix="input"
      onChange={({ formData }) => onChange((formData ?? {}) as Record<string, unknown>)}
    >
      <span hidden />
    </Form>
  );
}

/** The form library asks it to choose among alternatives; the page does the rest. */
const VALIDATOR: ValidatorType = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  rawValidation: () => ({ errors: [] }),
  isValid: (schema, formData) => faultsOf(schema as Schema, formData).length === 0,
  reset: () => undefined,
};

function uiSchema(files: readonly string[]): UiSchema {
  return { "ui:label": false, ...Object.fromEntries(files.map((name) => [name, { "ui:widget": "picture" }])) };
}

function errorSchema(faults: Props["faults"]): ErrorSchema {
  const root: ErrorSchema = {};
  for (const { path, text } of faults) {
    let place = root as Record<string, ErrorSchema>;
    for (const name of path) {
      place[name] ??= {};
      place = place[name] as Record<string, ErrorSchema>;
    }
    (place as ErrorSchema).__errors = [text];
  }
  return root;
}

function FieldTemplate({
  id,
  label,
  children,
  rawErrors,
  rawDescription,
  required,
  schema,
  hidden,
}: FieldTemplateProps) {
  const { t } = useLingui();
  const textOf = useModelText();
  if (hidden) return <div hidden>{children}</div>;
  if (schema.type === "object" || schema.type === "array") return <div className="col-span-full">{children}</div>;
  const isCheckbox = schema.type === "boolean";
  const isPicture = schema.contentEncoding === "base64";
  return (
    <div className={`flex min-w-0 flex-col justify-end gap-1 ${isPicture ? "col-span-full" : ""}`}>
      <label htmlFor={id} className={isCheckbox ? "order-1 text-sm font-medium" : "text-sm font-medium"}>
        {schema.title ? textOf(schema.title) : words(textOf(label))}
        {!required && !isCheckbox && <span className="font-normal text-muted-foreground"> ({t`optional`})</span>}
      </label>
      {children}
      {rawDescription && !isPicture && (
        <p id={`${id}__description`} className="text-sm text-muted-foreground">
          {textOf(rawDescription)}
        </p>
      )}
      {rawErrors?.map((text) => (
        <p key={text} id={`${id}__error`} className="text-sm text-bad">
          {text}
        </p>
      ))}
    </div>
  );
}

function ObjectFieldTemplate({ title, properties, fieldPathId, schema }: ObjectFieldTemplateProps) {
  const textOf = useModelText();
  const grid = "grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,100%),1fr))] gap-x-4 gap-y-3";
  const controls = properties.map(({ content, hidden }) => (hidden ? null : content));
  const isRoot = fieldPathId.path.length === 0;
  if (isRoot) return <div className={grid}>{controls}</div>;
  return (
    <fieldset className="min-w-0">
      <legend className="mb-2 font-semibold">{schema.title ? textOf(schema.title) : words(textOf(title))}</legend>
      <div className={grid}>{controls}</div>
    </fieldset>
  );
}

function BaseInputTemplate(props: BaseInputTemplateProps) {
  const {
    id,
    htmlName,
    value,
    schema,
    type,
    options,
    required,
    readonly,
    disabled,
    rawErrors,
    onChange,
    onChangeOverride,
  } = props;
  const { step, ...input } = getInputProps(schema, type, options);
  return (
    <Input
      id={id}
      name={htmlName ?? id}
      {...input}
      step={step}
      min={undefined}
      max={undefined}
      value={value ?? ""}
      aria-required={required}
      readOnly={readonly}
      disabled={disabled}
      aria-invalid={Boolean(rawErrors?.length)}
      aria-describedby={ariaDescribedByIds(id)}
      onChange={onChangeOverride ?? (({ target }) => onChange(target.value === "" ? options.emptyValue : target.value))}
      autoComplete="off"
    />
  );
}

function SelectWidget({ id, value, options, required, rawErrors, onChange }: WidgetProps) {
  const textOf = useModelText();
  const choices = options.enumOptions ?? [];
  const place = choices.findIndex((choice) => choice.value === value);
  return (
    <Select
      id={id}
      value={place < 0 ? "" : String(place)}
      aria-required={required}
      aria-invalid={Boolean(rawErrors?.length)}
      aria-describedby={ariaDescribedByIds(id)}
      onChange={({ target }) => onChange(target.value === "" ? undefined : choices[Number(target.value)]?.value)}
    >
      <option value="" />
      {choices.map(({ label }, number) => (
        <option key={label} value={String(number)}>
          {textOf(label)}
        </option>
      ))}
    </Select>
  );
}

function CheckboxWidget({ id, value, onChange }: WidgetProps) {
  return <Checkbox id={id} checked={Boolean(value)} onChange={({ target }) => onChange(target.checked)} />;
}

function TextareaWidget({ id, value, rawErrors, onChange }: WidgetProps) {
  return (
    <Textarea
      id={id}
      value={value ?? ""}
      aria-invalid={Boolean(rawErrors?.length)}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

const TEMPLATES = { FieldTemplate, ObjectFieldTemplate, BaseInputTemplate };
const WIDGETS: RegistryWidgetsType = { SelectWidget, CheckboxWidget, TextareaWidget, picture: PictureWidget };
