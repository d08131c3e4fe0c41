/** Code in the colours of Lab's editors. */

import React, { useEffect, useRef } from 'react';

import { useSurroundings } from './context';

export function Code(props: { source: string; label: string }): JSX.Element {
  const { source, label } = props;
  const { languages } = useSurroundings();
  const host = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) {
      return;
    }
    element.textContent = source;
    if (!languages) {
      return;
    }
    // drawn aside, then put in place: a text that changed meanwhile is not mixed with the former
    let wanted = true;
    const drawn = document.createElement('code');
    languages
      .highlight(source, languages.findByMIME('text/x-ipython'), drawn)
      .then(
        () => {
          if (wanted && drawn.textContent === source) {
            element.replaceChildren(...drawn.childNodes);
          }
        },
        () => {
          // the language could not be loaded: the plain text is there
        }
      );
    return () => {
      wanted = false;
    };
  }, [source, languages]);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="jp-KFRun-code" tabIndex={0} aria-label={label}>
      <code ref={host} />
    </pre>
  );
}
