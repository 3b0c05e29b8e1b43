/**
 * Shared components of the pages: the document, the frame around every page, and the small parts
 * that all pages use. They render on the server and in islands alike.
 *
 * @module
 */
export { AccessLosses, type LossesPreview } from "./access_losses.tsx";
export { AccountMenu } from "./account_menu.tsx";
export { type ActivityBar, ActivityChart } from "./activity_chart.tsx";
export { Alert, type AlertProps } from "./alert.tsx";
export { Badge, type BadgeProps } from "./badge.tsx";
export { Choice, type ChoiceOptions, type ChoiceProps } from "./choice.tsx";
export { ConfirmLosses, type ConfirmLossesProps } from "./confirm_losses.tsx";
export { DeviceState, type DeviceStateProps } from "./device_state.tsx";
export { Document, type DocumentProps } from "./document.tsx";
export { duration } from "./duration.ts";
export { EmptyState, type EmptyStateProps } from "./empty_state.tsx";
export { ErrorPage, type ErrorPageProps } from "./error_page.tsx";
export { FieldChanges, type FieldChangesProps } from "./field_changes.tsx";
export { Field, type FieldProps } from "./field.tsx";
export { FilterChips, type FilterChipsProps } from "./filter_chips.tsx";
export type { FilterColumn, FilterLine, FilterPreview } from "./filter_parts.ts";
export { Icon, type IconProps } from "./icon.tsx";
export { JobOutcome } from "./job_outcome.tsx";
export { Layout, type LayoutProps, type NavGroup, type NavItem } from "./layout.tsx";
export { type ListFilter, ListFilters, type ListFiltersProps } from "./list_filters.tsx";
export { type ListState, listState } from "./list_state.ts";
export {
  EmptyList,
  type EmptyListProps,
  type ListNeighbours,
  ListPages,
  ListTable,
  type ListTableProps,
} from "./list_table.tsx";
export { PageHeader, type PageHeaderProps } from "./page_header.tsx";
export { Pagination, type PaginationProps } from "./pagination.tsx";
export { PublicFrame, type PublicFrameProps } from "./public_frame.tsx";
export { RecordCell, type RecordCellProps } from "./record_cell.tsx";
export { type RecordConflictField, RecordConflictTable } from "./record_conflict.tsx";
export {
  RecordField,
  recordFieldId,
  type RecordFieldProps,
  type RecordFieldView,
} from "./record_field.tsx";
export { RecordTabs } from "./record_tabs.tsx";
export { RelativeTime, type RelativeTimeProps } from "./relative_time.tsx";
export { Table, type TableHead, type TableProps } from "./table.tsx";
export { TextTable, type TextTableProps } from "./text_table.tsx";
export { UserRank } from "./user_rank.tsx";
export { VENDOR_FILES } from "./vendor_files.ts";
