import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import {
  Activity,
  BrainCircuit,
  ClipboardList,
  HeartPulse,
  Image,
  type LucideIcon,
  MessageCircleQuestion,
  Server,
} from "lucide-react";

export type NavItem = { to: string; label: MessageDescriptor; icon: LucideIcon };

/** The pages of the menu, in order. On a phone the first four have a place at the bottom, the rest is in a drawer. */
export const NAV: NavItem[] = [
  { to: "/predict", label: msg`Predict`, icon: HeartPulse },
  { to: "/history", label: msg`History`, icon: ClipboardList },
  { to: "/questions", label: msg`Questions`, icon: MessageCircleQuestion },
  { to: "/pictures", label: msg`Pictures`, icon: Image },
  { to: "/training", label: msg`Training`, icon: BrainCircuit },
  { to: "/insight", label: msg`Insight`, icon: Activity },
  { to: "/system", label: msg`System`, icon: Server },
];
