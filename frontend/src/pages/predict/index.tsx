import { useLingui } from "@lingui/react/macro";
import { PageHeader } from "@/components/page-header";

export function Page() {
  const { t } = useLingui();
  return <PageHeader title={t`Predict`} />;
}
