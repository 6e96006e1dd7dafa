export { BicoastalError, type ErrorCode, type ErrorDetails, type ErrorInfo } from "../base/errors.ts";
