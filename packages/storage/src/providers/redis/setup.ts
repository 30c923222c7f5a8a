import { shellSection, type SetupFacts, type SetupSection } from "../setup.ts";

/** A user of the server that may do what the storage does, below its path. */
export function writeRedisSetup({ bucket: path }: SetupFacts): readonly SetupSection[] {
  const user = (name: string, commands: string): readonly string[] => [
    `redis-cli ACL SETUSER ${name} on '><password>' '~${path}*' -@all ${commands}`,
  ];
  return [
    shellSection("source_user", "User of a source", [
      ...user("labels-source", "+select +scan +type +strlen +get +getrange"),
    ]),
    shellSection(
      "target_user",
      "User of a target",
      [...user("labels-target", "+select +set")],
      "With can_delete_objects also +unlink. Source and target need databases of their own.",
    ),
  ];
}
