import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** A file of rules as it was written: what stands in it, and in which line. */
export class RuleFile {
  private readonly lines = new LineCounter();
  private readonly document: Document.Parsed;

  constructor(
    readonly name: string,
    private readonly text: string,
  ) {
    this.document = parseDocument(text, { lineCounter: this.lines });
  }

  /** Throws where the file is no YAML, with file, line, and what is wrong there. */
  read(): unknown {
    const [error] = this.document.errors;
    if (!error) return this.document.toJS();
    const { line } = this.lines.linePos(error.pos[0]);
    const [word] = /^[^:\n]*/.exec(this.text.slice(error.pos[0]))!;
    throw new Error(`${this.name}:${line} ${whyNotYaml(error.code, word) ?? error.message.split(' at line ')[0]!}`);
  }

  /** A problem with file and line before it; its own beginning is the path to what is at fault. */
  tell(problem: string): string {
    if (problem.startsWith(`${this.name}:`)) return problem;
    const name: unknown = isMap(this.document.contents) ? this.document.contents.get('policy') : undefined;
    const told = typeof name === 'string' && problem.startsWith(`${name}: `) ? problem.slice(name.length + 2) : problem;
    const [path = ''] = /^"[^"]*"|^[\w.-]+(?=: )/.exec(told) ?? [];
    return `${this.name}:${this.lineOf(path)} ${told}`;
  }

  /** The line of what a path such as `steps.order.timeout` leads to, or of the last part of it that is there. */
  private lineOf(path: string): number {
    const quoted = /^"(.*)"$/.exec(path)?.[1];
    const parts = quoted === undefined ? path.split('.') : ['examples', quoted];
    const root = this.document.contents;
    // Terms are told of by the name of their rule alone, the last one, too.
    const isRule = quoted === undefined && isMap(root) && !root.has(parts[0]);
    let at = root?.range?.[0] ?? 0;
    let node: unknown = root;
    for (const part of isRule ? ['rules', ...parts] : parts) {
      const next = entry(node, part) ?? (isRule && part === parts[0] ? entry(root, 'otherwise') : undefined);
      if (!next) break;
      ({ node, at } = next);
    }
    return this.lines.linePos(at).line;
  }
}

/** What stands under a name: the value of a key, or the element of a list that has this place, rule or name. */
function entry(node: unknown, part: string): { node: unknown; at: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
    return pair && { node: pair.value, at: (pair.key as Node).range![0] };
  }
  if (!isSeq(node)) return undefined;
  const element = node.items.find(
    (item, index) => String(index) === part || (isMap(item) && [item.get('rule'), item.get('name')].includes(part)),
  );
  return element === undefined ? undefined : { node: element, at: (element as Node).range![0] };
}

/** The commonest slips, in words that say what to do. */
function whyNotYaml(code: string, word: string): string | undefined {
  switch (code) {
    case 'DUPLICATE_KEY':
      return `${word} stands here for the second time; give one of the two another name, or remove it`;
    case 'TAB_AS_INDENT':
      return 'a tab stands here; indent with spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; write one definition to a file';
    case 'BAD_INDENT':
    case 'MISSING_CHAR':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'this is no YAML; look for a missing ":", a bracket or quote that is not closed, or a line that is indented otherwise than its neighbours';
    default:
      return undefined;
  }
}
