/** Where this process stands between its start and its end. */
export class Lifecycle {
  started = false;
  stopping = false;
}
